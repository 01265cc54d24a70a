"""The link: the process that stands in for fibre between processors, and what daemons reach it with.

It is emulated, and says so with everything that it says: its operator could see every circuit and every outcome, and
whatever it gives is neither fast nor secret.
"""
