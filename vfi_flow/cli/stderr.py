"""Sentences for the person who typed the command; standard output is for what was asked for."""

import sys


def say(sentence: str) -> None:
    print(f"vfi-flow: {sentence}", file=sys.stderr)
