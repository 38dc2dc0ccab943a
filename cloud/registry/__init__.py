"""Who lives where, with which devices, helped by whom; and what is not registered but was heard."""
