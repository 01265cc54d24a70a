"""What the command line and other programs do with QCRS: submit, wait, read, operate, audit."""
