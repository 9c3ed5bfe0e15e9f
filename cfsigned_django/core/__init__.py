"""What the rest of the package stands on: settings, which key signs, AWS's API; not for sites."""
