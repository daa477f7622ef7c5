# Sourced by quickstart, test and .ci/run: makes .venv in the repository (or $HFTK_VENV), installs hftk there with the
# extras of $1 in the versions of constraints.txt, and puts it first on PATH. Quick where that has been done already.

say() { printf '%s\n' "$*" >&2; }

# Runs each candidate: a name on PATH may be too old, without venv, or only pretend to be there.
find_python() {
    local candidate
    for candidate in python3.13 python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "hftk needs Python 3.11 or newer with its venv module; tried python3.13, python3.12, python3.11, python3 and python."
    say "Install it from python.org or your system's packages (Debian and Ubuntu: python3 and python3-venv), then start again."
    return 1
}

set_up() {
    local extras="$1" root="$PWD" venv="${HFTK_VENV:-$PWD/.venv}" stamp wanted python quiet=--quiet
    stamp="$venv/hftk-installed-${extras//,/-}"
    wanted="$root $(cat pyproject.toml constraints.txt | cksum)"
    if [ ! -x "$venv/bin/python" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        python="$(find_python)"
        say "Installing hftk [$extras] into $venv; the first time takes minutes …"
        "$python" -m venv "$venv"
        [ ! -t 2 ] || quiet=--no-input # on a terminal pip shows how far it is
        "$venv/bin/python" -m pip install "$quiet" --disable-pip-version-check -c constraints.txt -e ".[$extras]" </dev/null >&2
        printf '%s\n' "$wanted" >"$stamp"
    fi
    export PATH="$venv/bin:$PATH"
    # nothing here needs the Hub, so nothing waits for it; HF_HUB_OFFLINE=0 lets it be asked
    export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}" HF_DATASETS_OFFLINE="${HF_HUB_OFFLINE:-1}" HF_HUB_DISABLE_TELEMETRY=1
}
