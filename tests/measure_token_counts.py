#!/usr/bin/env python3
"""Measures how far the proxy's estimates of tokens are from Claude's counts.

    pip install ctok                     # Python 3.12 or newer; replays Claude's counts without a network
    llm-proxy --config FILE              # a route from `claude` to `openai-chat`, names passed on as they are ("*")
    tests/measure_token_counts.py http://127.0.0.1:8080/PREFIX rust='src/**/*.rs' prose='docs/*.md'

Nothing is sent to the route's upstream: Chat Completions does not count, so the proxy estimates.
"""

import argparse
import glob
import json
import statistics
import urllib.request

import ctok

# The model that the proxy is asked for, and the family of tokenizers that it belongs to.
MODELS = {"claude-opus-4-6": "4.6", "claude-opus-5": "5.0"}
LONGEST = 60_000


def estimate(root: str, model: str, text: str) -> int:
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": text}]})
    request = urllib.request.Request(
        f"{root}/v1/messages/count_tokens", body.encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["x-llm-proxy-estimate"] == "input_tokens", "the upstream has counted by itself"
        return json.load(answer)["input_tokens"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", help="address of the route")
    parser.add_argument("texts", nargs="+", metavar="KIND=GLOB", help="files to count")
    arguments = parser.parse_args()
    print("| texts | files | model | mean error | largest under | largest over |")
    print("| --- | --- | --- | --- | --- | --- |")
    for group in arguments.texts:
        kind, _, pattern = group.partition("=")
        texts = []
        for path in sorted(glob.glob(pattern, recursive=True)):
            with open(path, encoding="utf-8", errors="ignore") as file:
                texts.append(file.read(LONGEST))
        texts = [text for text in dict.fromkeys(texts) if len(text) > 200]
        for model, version in MODELS.items():
            errors = [estimate(arguments.root, model, text) / ctok.token_count(text, version) - 1 for text in texts]
            mean = statistics.mean(map(abs, errors))
            print(f"| {kind} | {len(texts)} | {model} | {mean:.1%} | {min(errors):+.1%} | {max(errors):+.1%} |")


if __name__ == "__main__":
    main()
