"""Who is who: companies, people, roles, projects, API tokens, and the two walls between companies."""
