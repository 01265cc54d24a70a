"""Error correction across the boundary of two processors: a rotated surface code with a seam.

``job``, ``memory``, ``syndromes`` and ``decoder`` need no Stim; ``circuit``, ``decoding``, ``planning`` and ``verdict``
do, so a daemon has ``decoder`` run the last in a child. Import the module you need.

What the seam is: CNOTs between the halves are teleported over shared pairs, which are worse than anything else in the
machine. What is decoded is a quantum memory; no logical gate is done on it. Over an emulated link all of this is
simulation (``link=emulated``).
"""
