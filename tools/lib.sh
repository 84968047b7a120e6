# What ./x and the scripts beside this file share. Sourced by bash.
#
# Everything they install lies in $RELAIS_TOOLS (default: .tools in the repository): bin/, venv/, go/, asyncapi/.

tools_source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RELAIS_TOOLS=${RELAIS_TOOLS:-$(dirname "$tools_source")/.tools}
mkdir -p "$RELAIS_TOOLS/bin"
RELAIS_TOOLS=$(cd "$RELAIS_TOOLS" && pwd)
export RELAIS_TOOLS

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Makes sure of a program: `need TEST PACKAGES WHAT` runs TEST, and if it fails installs the Debian PACKAGES, when that
# can be done without asking anybody, or says in one sentence WHAT is missing.
need() {
    if eval "$1" >/dev/null 2>&1; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $2 …"
        # shellcheck disable=SC2086 # a list of packages
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2; } >&2 ||
            fail "apt-get could not install $2; install $3 and run this again."
        if eval "$1" >/dev/null 2>&1; then return; fi
    fi
    fail "$3 is missing; install it (Debian and Ubuntu: apt-get install $2) and run this again."
}

# As `need`, of a package that brings the SERVICE given last, which stays as it is: not run.
need_idle() {
    if eval "$1" >/dev/null 2>&1; then return; fi
    local policy=/usr/sbin/policy-rc.d
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ ! -e "$policy" ]; then
        # What packages ask before they start a service: 101 is no.
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        (need "$1" "$2" "$3") || { rm -f "$policy"; exit 1; }
        rm -f "$policy"
    else
        need "$1" "$2" "$3"
    fi
    if [ -d /run/systemd/system ]; then systemctl --quiet disable "$4" >&2 || true; fi
}

need_python() { need 'python3 -c "import venv, ensurepip"' 'python3 python3-venv' 'Python 3 with its venv module'; }

# A Python of our own, so that pip is there and no system package is touched.
venv() {
    if [ -x "$RELAIS_TOOLS/venv/bin/python" ]; then return; fi
    need_python
    rm -rf "$RELAIS_TOOLS/venv"
    python3 -m venv "$RELAIS_TOOLS/venv"
}

# pip, the one that is there or that of our venv.
pip() {
    if python3 -m pip --version >/dev/null 2>&1; then
        python3 -m pip --disable-pip-version-check "$@"
    else
        venv
        "$RELAIS_TOOLS/venv/bin/python" -m pip --disable-pip-version-check "$@"
    fi
}

# One at a time: two recipes may want the same tool.
lock_tools() {
    if command -v flock >/dev/null; then
        exec 9>"$RELAIS_TOOLS/lock"
        flock 9
    fi
}

# `at_least 2.14.3 2.15.1`: whether the second version is not older than the first.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
