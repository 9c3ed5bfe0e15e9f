"""Test where a site keeps its key, and answer the set-up command as a viewer is answered."""
