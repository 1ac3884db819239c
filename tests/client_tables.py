"""Tables of targets that the rules refuse or report, and tables that they accept, for tests of rules and clients."""

from __future__ import annotations

HANDLER = "[[target.claude-code.hooks.PreToolUse]]\nhooks = [{%s}]\n"
SERVER = "[target.claude-code]\nmcpServers = [%s]\n"

REFUSED = {
    "type of a handler": (HANDLER % 'type = "comand", command = "x"', "K106", "type", "did you mean `command`?"),
    "handler without type": (HANDLER % 'command = "x"', "K103", "{", ""),
    "misspelled key instead of command": (
        HANDLER % 'type = "command", comand = "x"',
        "K103",
        "{",
        "`comand` is probably a misspelling of it",
    ),
    "handler instead of a matcher": (
        '[[target.claude-code.hooks.PreToolUse]]\ntype = "command"\ncommand = "x"\n',
        "K103",
        "PreToolUse]]",
        "in an entry of it: `hooks = [{ type = … }]`",
    ),
    "handler in place of a list": (
        '[[target.claude-code.hooks.Stop]]\nhooks = { type = "command", command = "x" }\n',
        "K102",
        "hooks",
        "`[[target.claude-code.hooks.Stop.hooks]]`",
    ),
    "key of another type": (HANDLER % 'type = "command", prompt = "x"', "K103", "{", "must be `prompt` or `agent`"),
    "handler with only a command": (HANDLER % 'command = "x"', "K103", "{", "with `command`, `type` must be `command`"),
    "handler without command": (HANDLER % 'type = "command"', "K103", "{", ""),
    "handler that is text": ("[[target.claude-code.hooks.Stop]]\nhooks = [\n'make'\n]\n", "K102", "'make'", ""),
    "blank command": (HANDLER % 'type = "command", command = " "', "K104", "command", "fill it in"),
    "timeout of 0": (HANDLER % 'type = "command", command = "x", timeout = 0', "K106", "timeout", ""),
    "infinite timeout": (HANDLER % 'type = "command", command = "x", timeout = inf', "K102", "timeout", ""),
    "shell": (HANDLER % 'type = "command", command = "x", shell = "bsh"', "K106", "shell", "did you mean `bash`?"),
    "arguments": (HANDLER % 'type = "command", command = "x", args = "y"', "K102", "args", "write a list"),
    "once": (HANDLER % 'type = "agent", prompt = "x", once = "yes"', "K102", "once", ""),
    "address": (HANDLER % 'type = "http", url = "localhost"', "K106", "url", ""),
    "tool without server": (HANDLER % 'type = "mcp_tool", tool = "x"', "K103", "{", ""),
    "matcher without hooks": ('[[target.claude-code.hooks.Stop]]\nmatcher = "x"\n', "K103", "Stop]]", ""),
    "matcher that is a list": (
        '[[target.claude-code.hooks.PreToolUse]]\nmatcher = ["Bash"]\nhooks = []\n',
        "K102",
        "matcher",
        "write one string",
    ),
    "matcher instead of a list": (
        "[target.claude-code.hooks.PreToolUse]\nhooks = []\n",
        "K102",
        "PreToolUse]",
        "two brackets",
    ),
    "hooks that are a list": ("[[target.claude-code.hooks]]\nhooks = []\n", "K102", "hooks]]", "one bracket"),
    "event at the top": (
        "[[target.claude-code.PreToolUse]]\nhooks = []\n",
        "K101",
        "PreToolUse]]",
        "belongs in `hooks`",
    ),
    "another event at the top": ("[[target.qwen.Stop]]\nhooks = []\n", "K101", "Stop]]", "it belongs in `hooks`"),
    "server without type": (SERVER % '{ a = { url = "x" } }', "K103", "a = {", "with `url`, `type` must be `sse`, "),
    "server without a name": (SERVER % '{ command = "x", args = [] }', "K102", "command", "`NAME = { command = … }`"),
    "server with a key as name": (
        SERVER % '{ name = "a", command = "x", env = { A = "b" } }',
        "K102",
        "command",
        "NAME",
    ),
    "text as server": (SERVER % '{ a = "x" }', "K102", 'a = "x"', ""),
    "server without command": (SERVER % "{ a = {} }", "K103", "a = {}", ""),
    "type of a server": (SERVER % '{ a = { type = "htp", url = "x" } }', "K106", "type", "did you mean `http`?"),
    "server without url": (SERVER % '{ a = { type = "http" } }', "K103", "a = {", ""),
    "one of two servers": (SERVER % '"b", { a = { command = "x", env = { A = 1 } } }', "K102", "A", ""),
    "number as server": (SERVER % '"b", 5', "K102", "5", ""),
    "server's timeout": (SERVER % '{ a = { command = "x", timeout = 1.5 } }', "K102", "timeout", ""),
    "time to live": ('[target.claude-code]\nexperimental.cacheTtl = "2h"\n', "K106", "cacheTtl", ""),
    "option of a new version": ("[target.claude-code.experimental]\nnew = 1\n", "K101", "new", ""),
    "window": ("[target.claude-code]\nautoCompactWindow = 0\n", "K106", "autoCompactWindow", ""),
    "gemini's arguments": ('[target.gemini.mcp_servers.x]\ncommand = "y"\nargs = "x"\n', "K102", "args", ""),
    "gemini's type": (
        '[target.gemini.mcp_servers.x]\nurl = "y"\ntype = "stdio"\n',
        "K106",
        "type",
        "",
    ),
    "gemini's server without address": ("[target.gemini.mcp_servers.x]\n", "K106", "x]", ""),
    "gemini's servers without names": (
        '[target.gemini.mcp_servers]\ncommand = "x"\nargs = []\n',
        "K102",
        "command",
        "`NAME = { command = … }`",
    ),
    "gemini's misspelled address": (
        '[target.gemini.mcp_servers.x]\nhttpUrl = "y"\n',
        "K106",
        "x]",
        "`httpUrl` is probably a misspelling",
    ),
    "gemini's sign-in": (
        '[target.gemini.mcp_servers.x]\nurl = "y"\nauth.type = "oath"\n',
        "K106",
        "type",
        "did you mean `oauth`?",
    ),
    "gemini's issuer": (
        '[target.gemini.mcp_servers.x]\nurl = "y"\nauth = { type = "oauth", issuer = "me" }\n',
        "K106",
        "issuer",
        "",
    ),
    "gemini's turns": ("[target.gemini]\nmax_turns = 0\n", "K106", "max_turns", ""),
    "qwen's list of servers": ('[target.qwen]\nmcpServers = ["x"]\n', "K102", "mcpServers", ""),
    "qwen's event": ("[target.qwen.hooks]\nStop = {}\n", "K102", "Stop", ""),
    "qwen's function": (
        '[[target.qwen.hooks.Stop]]\nhooks = [{ type = "function" }]\n',
        "K106",
        "type",
        "",
    ),
    "qwen's executor": ('[target.qwen]\nexecutor = { kind = "acp" }\n', "K103", "executor", ""),
    "kind of executor": ('[target.qwen]\nexecutor = { kind = "acb", command = "x" }\n', "K106", "kind", "`acp`"),
    "program and address": ('[target.codex.mcp_servers.x]\ncommand = "y"\nurl = "z"\n', "K106", "url", ""),
    "neither program nor address": ("[target.codex.mcp_servers.x]\nenabled = true\n", "K106", "x]", ""),
    "two kinds of servers in one": (
        '[target.codex.mcp_servers.x]\ncommand = "y"\nargs = []\nurl = "z"\n',
        "K106",
        "url",
        "",
    ),
    "token": ('[target.codex.mcp_servers.x]\nurl = "z"\nbearer_token = "x"\n', "K106", "bearer_token", ""),
    "address with arguments": ('[target.codex.mcp_servers.x]\nargs = ["y"]\nurl = "z"\n', "K106", "args", ""),
    "negative timeout": (
        '[target.codex.mcp_servers.x]\ncommand = "y"\nstartup_timeout_sec = -1\n',
        "K106",
        "startup_timeout_sec",
        "",
    ),
    "policy": ('[target.codex]\napproval_policy = "nevr"\n', "K106", "approval_policy", "did you mean `never`?"),
    "verbosity": ('[target.codex]\nmodel_verbosity = "hi"\n', "K106", "model_verbosity", ""),
    "steps of 0": ("[target.opencode]\nsteps = 0\n", "K106", "steps", ""),
    "too many steps": ("[target.opencode]\nsteps = 9007199254740992\n", "K106", "steps", ""),
    "half a step": ("[target.opencode]\nsteps = 1.5\n", "K102", "steps", ""),
    "undefined temperature": ("[target.opencode]\ntemperature = nan\n", "K102", "temperature", ""),
    "older form of permissions": (
        "[target.opencode]\ntools = { bash = false }\n",
        "K101",
        "tools",
        "it is an older form of `permission`",
    ),
    "color": ('[target.opencode]\ncolor = "red"\n', "K106", "color", ""),
    "action": ('[target.opencode.permission]\nbash = "maybe"\n', "K106", "bash", ""),
    "action of a pattern": ('[target.opencode.permission.bash]\n"git *" = "alow"\n', "K106", '"git', "`allow`"),
    "unknown event": (
        '[[target.claude-code.hooks.PreToolUs]]\nhooks = [{ type = "command", command = "guard" }]\n',
        "K117",
        "PreToolUs]]",
        "did you mean `PreToolUse`?",
    ),
    "event of another client": ("[target.qwen.hooks]\nWorktreeCreate = []\n", "K117", "WorktreeCreate", "ignore K117"),
    "misspelled key": (HANDLER % 'type = "command", command = "x", timout = 5', "K118", "timout", "`timeout`"),
    "misspelled key of a server": (
        '[target.gemini.mcp_servers.x]\ncommand = "y"\nincludeTools = []\n',
        "K118",
        "includeTools",
        "`include_tools`",
    ),
    "unknown key": (HANDLER % 'type = "command", command = "x", owner = "us"', "K119", "owner", ""),
    "unknown key of a server": ('[target.codex.mcp_servers.x]\ncommand = "y"\nowner = "us"\n', "K119", "owner", ""),
}
"""Each with the code, the text at the location, and part of the help."""

ACCEPTED = {
    "all kinds of handlers": (
        "[[target.claude-code.hooks.PreToolUse]]\n"
        'matcher = "Bash"\n'
        "hooks = [\n"
        '{ type = "command", command = "x", args = [""], shell = "bash", onFailure = "block", async = true, '
        'asyncRewake = true, if = "Bash(git:*)", timeout = 0.5, statusMessage = "", once = true },\n'
        '{ type = "prompt", prompt = "x", model = "haiku", continueOnBlock = true },\n'
        '{ type = "agent", prompt = "x" },\n'
        '{ type = "http", url = "https://example.org", headers = { A = "" }, allowedEnvVars = ["A"] },\n'
        '{ type = "mcp_tool", server = "x", tool = "y", input = { a = [1] }, onFailure = "continue" }]\n'
    ),
    "no hooks": "[target.claude-code.hooks]\nStop = []\nPreToolUse = [{ hooks = [] }]\n",
    "all kinds of servers": (
        "[target.claude-code.mcpServers]\n"
        'a = { command = "x", args = [], env = { A = "" }, timeout = 1, alwaysLoad = true }\n'
        'b = { type = "stdio", command = "x" }\n'
        'c = { type = "sse", url = "x", headers = {}, headersHelper = "x", oauth = { clientId = "x" } }\n'
        'd = { type = "streamable-http", url = "x", tools = [{ name = "x", permission_policy = "always_ask" }] }\n'
        'e = { type = "ws", url = "x" }\n'
    ),
    "new keys": '[target.claude-code]\nautoCompactWindow = 1\nexperimental = { cacheTtl = "1h" }\n',
    "gemini's servers": (
        '[target.gemini.mcp_servers]\na = { command = "x", timeout = -0.5, trust = true, include_tools = [] }\n'
        'b = { http_url = "x", auth = { type = "google-credentials", scopes = ["x"] } }\n'
        'c = { url = "x", type = "sse", auth = { type = "oauth", issuer = "https://example.org" } }\n'
    ),
    "qwen's tables": (
        '[target.qwen]\napprovalMode = "bubble"\nexecutionBackend = "container"\n'
        'executor = { kind = "codex", command = "x", args = ["a", "a"] }\nmcpServers.a.httpUrl = "x"\n'
        'hooks.Stop = [{ sequential = true, hooks = [{ type = "prompt", prompt = "x" }] }]\n'
    ),
    "codex's tables": (
        '[target.codex]\napproval_policy = "untrusted"\nweb_search = "disabled"\nmodel_verbosity = "low"\n'
        '[target.codex.mcp_servers]\na = { command = "x", env_vars = ["A", { name = "B", source = "local" }] }\n'
        'b = { url = "x", oauth.client_id = "y", scopes = [], tools.z.approval_mode = "prompt", required = true }\n'
    ),
    "largest number of steps": "[target.opencode]\nsteps = 9007199254740991\ntemperature = -1\ntop_p = 5\n",
    "new permission": '[target.opencode.permission]\nnew_permission = { "*" = "deny" }\n',
    "any server for copilot": "[target.copilot.mcp-servers]\nx = { new = 1 }\n",
}
