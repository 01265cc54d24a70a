"""One circuit on several processors: over entangled pairs, or cut in pieces where there is no link.

``distribute`` in ``plan`` splits a circuit, ``quote`` says what that costs and how good it will be, ``route`` brings
pairs to processors that have no link of their own, ``cutting`` does without links. Import the module you need; this
package imports nothing by itself.
"""
