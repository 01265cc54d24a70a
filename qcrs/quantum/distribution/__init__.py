"""One circuit on several processors: over entangled pairs, or cut in pieces where there is no link.

``session`` is the door: from a circuit, processors and links to fragments and what they cost. Behind it ``plan``
splits circuits, ``quote`` prices them, ``routing`` finds ways over several links. ``cutting`` does without links,
``transform`` shows single teleportations in a Qiskit circuit. Import the module you need; this package imports nothing
by itself.
"""
