"""Statistics every figure goes through: paired by case and seed, clustered by case."""
