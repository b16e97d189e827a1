"""Who answers: the Model protocol, its providers and their wrappers."""
