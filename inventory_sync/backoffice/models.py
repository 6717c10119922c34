"""No tables of its own. The module is here because Django tells only apps that have one when all migrations are done (see ``apps``)."""
