"""The mini family: small models of the real classes, trained by `student.recipe` on tile scenes, shipped for CPUs."""
