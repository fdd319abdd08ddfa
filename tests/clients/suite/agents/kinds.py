"""The agents, and how each is pointed at an endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..sdks.anthropic_bedrock import REGION
from ..sdks.base import Endpoint
from .run import Place, Start


@dataclass(frozen=True)
class Agent:
    name: str
    dialect: str
    start: Callable[[Endpoint, Place, Path, str], Start]
    tasks: tuple[str, ...]
    model: str = ""  # a name that the agent knows and chooses its tools by
    signed: bool = False


def _claude_code(endpoint: Endpoint, bin_folder: Path, prompt: str, env: dict[str, str]) -> Start:
    argv = [str(bin_folder / "claude"), "-p", prompt, "--output-format", "stream-json", "--verbose"]
    argv += ["--allowedTools", "Bash,Read,Edit,Write", "--model", endpoint.model]
    quiet = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY")
    small = {"ANTHROPIC_DEFAULT_HAIKU_MODEL": endpoint.model, "ANTHROPIC_SMALL_FAST_MODEL": endpoint.model}
    return Start(argv, {name: "1" for name in quiet} | small | env)


def claude_code(endpoint: Endpoint, place: Place, bin_folder: Path, prompt: str) -> Start:
    env = {"ANTHROPIC_BASE_URL": endpoint.root, "ANTHROPIC_AUTH_TOKEN": endpoint.key}
    return _claude_code(endpoint, bin_folder, prompt, env)


def claude_code_bedrock(endpoint: Endpoint, place: Place, bin_folder: Path, prompt: str) -> Start:
    env = {"CLAUDE_CODE_USE_BEDROCK": "1", "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1"}
    env |= {"ANTHROPIC_BEDROCK_BASE_URL": endpoint.root, "AWS_REGION": REGION}
    return _claude_code(endpoint, bin_folder, prompt, env)


def claude_code_bedrock_signed(endpoint: Endpoint, place: Place, bin_folder: Path, prompt: str) -> Start:
    env = {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_BEDROCK_BASE_URL": endpoint.root, "AWS_REGION": REGION}
    env |= {"AWS_ACCESS_KEY_ID": endpoint.access_key, "AWS_SECRET_ACCESS_KEY": endpoint.secret_key}
    return _claude_code(endpoint, bin_folder, prompt, env)


def codex(endpoint: Endpoint, place: Place, bin_folder: Path, prompt: str) -> Start:
    folder = place.home / ".codex"
    folder.mkdir()
    lines = [
        f"model = {json.dumps(endpoint.model)}",
        'model_provider = "suite"',
        'model_reasoning_effort = "medium"',
        "check_for_update_on_startup = false",
        "model_context_window = 100000",
        "[analytics]",
        "enabled = false",
        "[model_providers.suite]",
        'name = "Suite"',
        f"base_url = {json.dumps(endpoint.root + '/v1')}",
        'env_key = "SUITE_KEY"',
        'wire_api = "responses"',
    ]
    (folder / "config.toml").write_text("\n".join(lines) + "\n")
    argv = [str(bin_folder / "codex"), "exec", "--json", "--skip-git-repo-check", "-s", "workspace-write"]
    return Start([*argv, prompt], {"SUITE_KEY": endpoint.key}, [*argv, "resume", "--last"])


CLAUDE_CODE = ("work", "parallel", "thinking", "broken", "rate", "overflow")
AGENTS = (
    Agent("claude-code", "claude", claude_code, CLAUDE_CODE),
    Agent("claude-code-bedrock", "bedrock", claude_code_bedrock, CLAUDE_CODE),
    Agent("claude-code-bedrock-signed", "bedrock", claude_code_bedrock_signed, ("work", "thinking"), signed=True),
    Agent("codex", "openai-responses", codex, ("work", "parallel", "thinking", "broken", "rate", "overflow", "full")),
    Agent("codex-gpt-5.5", "openai-responses", codex, ("patch", "thinking"), model="gpt-5.5"),
    Agent("codex-gpt-5.6", "openai-responses", codex, ("script",), model="gpt-5.6-sol"),
)
