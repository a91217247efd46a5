"""Who looks: instruments and models that return scores and located findings."""
