"""The mini family: small models of the real classes, trained on tile designs, that run on a CPU."""
