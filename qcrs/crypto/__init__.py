"""Keys, signatures and envelopes that a quantum computer does not open: the layer beside the chain.

The only importer of ``cryptography``. It knows neither chain nor store: whoever calls it brings bytes and takes bytes.
"""
