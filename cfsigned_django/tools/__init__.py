"""Tools for AWS, which only a terminal runs: no request of a site imports them."""
