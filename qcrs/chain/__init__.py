"""The chain side of QCRS: the only place that imports web3 and py-solc-x."""
