"""What a link does: pairs and their faults, distributed programs in one order, engines that hold the joint state.

A link is emulated: one process holds the joint state of all members' qubits, for two processes that share nothing but
randomness cannot do what entanglement does. Its operator sees every circuit and outcome.
"""
