"""Test where a site keeps its key, and answer the setup command as a viewer is answered."""
