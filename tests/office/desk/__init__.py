"""Tests of the membership desk."""
