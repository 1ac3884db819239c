"""What each client accepts as the definition of an MCP server."""

from __future__ import annotations

from kei_assembler.validation import (
    ABOVE_ZERO,
    BOOLEAN,
    FILLED,
    NUMBER,
    POSITIVE,
    TABLE_OF_ANYTHING,
    TEXT,
    Field,
    Shape,
    any_of,
    elsewhere,
    list_of,
    matching,
    one_of,
    open_table,
    table_of,
    variants,
)

URL = matching("[A-Za-z][A-Za-z0-9+.-]*:[^ ]+", "a URL such as `https://example.org/`")
ARGUMENTS = list_of(TEXT, "a list of strings")
TEXTS = table_of(TEXT, "a table of strings")

_COMMAND = Field("command", FILLED, "The program to start.")
_ARGS = Field("args", ARGUMENTS, "The program's arguments.")
_ENV = Field("env", TEXTS, "The program's environment variables.")
_CWD = Field("cwd", FILLED, "The folder to start the program in.")
_URL = Field("url", FILLED, "The address of the server.")
_HEADERS = Field("headers", TEXTS, "Headers of each request.")
_TRUST = Field("trust", BOOLEAN, "Whether its tools run without asking.")
_DESCRIPTION = Field("description", TEXT, "What the server is for.")
_SCOPES = Field("scopes", ARGUMENTS, "The permissions to ask for.")


def servers(server: Shape) -> Shape:
    """Return the shape of a table of servers by their names."""
    return table_of(server, "a table of servers")


def named_servers(server: Shape) -> Shape:
    """Return the shape of a table of servers, or of a list with names of servers and such tables."""
    table = servers(server)
    listed = list_of(any_of(FILLED, table), "a list")
    return Shape(object, "a table of servers, or a list of server names and such tables", any_of=(table, listed))


_ALWAYS_LOAD = Field("alwaysLoad", BOOLEAN, "Whether to load the server's tools at the start.")
_TIMEOUT = Field("timeout", POSITIVE, "The time limit of a call.")
_ADDRESS = Field("url", Shape(str, "a URL", maximum=65_536), "The address of the server.", required=True)
_HELPER = Field("headersHelper", FILLED, "A command that prints more headers.")
_OAUTH = open_table(
    Field("clientId", TEXT, "The ID of the client."),
    Field("callbackPort", POSITIVE, "The port of the callback."),
    Field("authServerMetadataUrl", matching("https://[^ ]+", "a URL with `https://`", 4096), "The server's metadata."),
    Field("scopes", FILLED, "The permissions to ask for."),
    Field("xaa", BOOLEAN, "Whether to use access across apps."),
)
_POLICY = one_of("always_allow", "always_ask", "always_deny")
_TOOL = open_table(
    Field("name", TEXT, "The name of the tool.", required=True),
    Field("permission_policy", _POLICY, "Whether the tool needs permission."),
)


def _of_claude_code(types: Shape, *fields: Field, is_default: bool = False) -> Shape:
    kind = Field("type", types, "How to reach the server.", required=not is_default)
    return open_table(kind, *fields, _TIMEOUT, _ALWAYS_LOAD)


_REMOTE = (
    _ADDRESS,
    _HEADERS,
    _HELPER,
    Field("oauth", _OAUTH, "How to sign in."),
    Field("tools", list_of(_TOOL, "a list of tables"), "Permissions for single tools."),
)

OF_CLAUDE_CODE = variants(
    "type",
    _of_claude_code(one_of("stdio"), _COMMAND._replace(required=True), _ARGS, _ENV, is_default=True),
    _of_claude_code(one_of("sse"), *_REMOTE),
    _of_claude_code(one_of("http", "streamable-http"), *_REMOTE),
    _of_claude_code(one_of("ws"), _ADDRESS, _HEADERS, _HELPER),
)._replace(name="server-of-claude-code")

_TYPE = Field("type", one_of("sse", "http"), "How to reach the server at `url`.")
_NEEDS_ONE = ("command", "url")

_OAUTH_OF_GEMINI = (
    Field("client_id", TEXT, "The ID of the client."),
    Field("client_secret", TEXT, "The secret of the client."),
    _SCOPES,
    Field("authorization_url", URL, "Where to sign in."),
    Field("token_url", URL, "Where to get tokens."),
    Field("issuer", URL, "Who issues the tokens."),
    Field("audiences", ARGUMENTS, "Whom the tokens are for."),
    Field("redirect_uri", URL, "The address of the callback."),
    Field("token_param_name", TEXT, "The parameter for the token."),
    Field("registration_url", URL, "Where to register."),
)
_AUTH = variants(
    "type",
    open_table(Field("type", one_of("google-credentials"), "How to sign in.", required=True), _SCOPES),
    open_table(Field("type", one_of("oauth"), "How to sign in.", required=True), *_OAUTH_OF_GEMINI),
)

OF_GEMINI = open_table(
    *(_COMMAND, _ARGS, _ENV, _CWD, _URL, _TYPE, _HEADERS),
    Field("http_url", FILLED, "The address of the server for streamable HTTP."),
    Field("tcp", FILLED, "The address of the server for a WebSocket."),
    Field("timeout", NUMBER, "The time limit of a call in milliseconds."),
    _TRUST,
    _DESCRIPTION,
    Field("include_tools", ARGUMENTS, "The only tools to use."),
    Field("exclude_tools", ARGUMENTS, "The tools not to use."),
    Field("auth", _AUTH, "How to sign in."),
)._replace(needs_one=(*_NEEDS_ONE, "http_url"))

# The client reads the table without checking it, so these are the types that a server needs to start.
OF_QWEN = open_table(
    *(_COMMAND, _ARGS, _ENV, _CWD, _URL, _TYPE, _HEADERS),
    Field("httpUrl", FILLED, "The address of the server for streamable HTTP."),
    Field("tcp", FILLED, "The address of the server for a WebSocket."),
    Field("timeout", ABOVE_ZERO, "The time limit of a call in milliseconds."),
    Field("discoveryTimeoutMs", ABOVE_ZERO, "The time limit of the search for tools in milliseconds."),
    _TRUST,
    _DESCRIPTION,
    Field("includeTools", ARGUMENTS, "The only tools to use."),
    Field("excludeTools", ARGUMENTS, "The tools not to use."),
    Field("alwaysLoadTools", any_of(BOOLEAN, ARGUMENTS), "The tools to load at the start."),
    Field("oauth", TABLE_OF_ANYTHING, "How to sign in."),
    Field("authProviderType", FILLED, "How to sign in."),
    Field("targetAudience", FILLED, "Whom the tokens are for."),
    Field("targetServiceAccount", FILLED, "The service account to use."),
)._replace(needs_one=(*_NEEDS_ONE, "httpUrl", "tcp"))

_APPROVAL = one_of("auto", "prompt", "approve")
_SECONDS = Shape(float, "a number of seconds, 0 or more", minimum=0)
_VARIABLE = open_table(
    Field("name", TEXT, "The name of the variable.", required=True),
    Field("source", one_of("local", "remote"), "Where the variable is set."),
)
_ELSEWHERE = elsewhere("in an environment variable, which `bearer_token_env_var` names")
_OF_PROGRAMS = ("args", "env", "env_vars", "cwd")
_OF_ADDRESSES = ("url", "bearer_token_env_var", "http_headers", "env_http_headers", "oauth", "oauth_resource")

OF_CODEX = open_table(
    *(_COMMAND, _ARGS, _ENV, _CWD, _URL),
    Field(
        "env_vars", list_of(any_of(TEXT, _VARIABLE), "a list of names or tables"), "Environment variables to pass on."
    ),
    Field("bearer_token_env_var", FILLED, "The environment variable with the token."),
    Field("bearer_token", _ELSEWHERE, "Not possible: a token must not be in the file."),
    Field("http_headers", TEXTS, "Headers of each request."),
    Field("env_http_headers", TEXTS, "Headers whose values are in environment variables."),
    Field("oauth", open_table(Field("client_id", TEXT, "The ID of the client.")), "How to sign in."),
    Field("oauth_resource", TEXT, "The resource to sign in for."),
    _SCOPES,
    Field("enabled", BOOLEAN, "Whether to start the server."),
    Field("required", BOOLEAN, "Whether the client stops if the server does not start."),
    Field("supports_parallel_tool_calls", BOOLEAN, "Whether its tools can run at the same time."),
    Field("default_tools_approval_mode", _APPROVAL, "Whether its tools need approval."),
    Field("enabled_tools", ARGUMENTS, "The only tools to use."),
    Field("disabled_tools", ARGUMENTS, "The tools not to use."),
    Field("startup_timeout_sec", _SECONDS, "The time limit of the start."),
    Field("tool_timeout_sec", _SECONDS, "The time limit of a call."),
    Field(
        "tools",
        table_of(open_table(Field("approval_mode", _APPROVAL, "Whether the tool needs approval."))),
        "Approval of single tools.",
    ),
)._replace(
    needs_one=_NEEDS_ONE,
    conflicts=(("command", _OF_ADDRESSES), ("url", _OF_PROGRAMS)),
)
