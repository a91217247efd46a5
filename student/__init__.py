"""Who answers: generators (diffusers pipelines, HTTP endpoints, folders of images)."""
