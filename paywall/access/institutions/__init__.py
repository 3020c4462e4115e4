"""INSTITUTIONS: a library, a university or a company reads by its e-mail domain or its network."""
