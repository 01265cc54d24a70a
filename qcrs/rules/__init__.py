"""Integer-only twins of the Solidity libraries: what the contracts decide, anyone can recompute.

Nothing here imports web3 or Qiskit, reads a clock or draws a random number.
"""
