"""Tests of cfsigned_django.cookies, its middleware, its endpoint and its template tags."""
