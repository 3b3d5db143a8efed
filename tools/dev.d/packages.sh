# shellcheck shell=bash
# Debian packages: which are needed, which are missing, how to get them.
# `a|b` is served by either; a is installed.

packages_build=(cmake ninja-build gcc libc6-dev "pkg-config|pkgconf"
    libuv1-dev libjemalloc-dev libjansson-dev libssl-dev)
packages_tests=(g++ libcriterion-dev python3
    postgresql libpq-dev libsqlite3-dev)
# The sanitizer runtimes come apart from clang, one package per version; this
# name follows the version of Debian's `clang`.
packages_clang=(clang "libclang-rt-dev|libclang-rt-14-dev")
packages_check=(git g++ clang clang-format python3 shellcheck)
packages_peers=(g++ libtbb-dev clang "libomp-dev|libomp-14-dev" cargo
    librust-rayon-dev librust-tokio-dev golang-go
    "libasio-dev|libboost-dev" nginx-light)
packages_aarch64=(qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross)

installed()
{
    local name
    for name in ${1//|/ }; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) == \
            installed ]] && return 0
    done
    return 1
}

# need_packages NAME...: they are there when this returns.
need_packages()
{
    local missing=() name
    if ! command -v dpkg-query >/dev/null; then
        command -v cmake >/dev/null ||
            die "this is not Debian (no dpkg-query): install what" \
                "corresponds to these packages yourself: $*"
        say "not Debian (no dpkg-query); going on with what is installed"
        return
    fi
    for name in "$@"; do
        installed "$name" || among "${name%%|*}" "${missing[@]}" ||
            missing+=("${name%%|*}")
    done
    [[ ${#missing[@]} -eq 0 ]] || install_packages "${missing[@]}"
}

install_packages()
{
    local by_hand="apt-get install --no-install-recommends $*" as=()
    if [[ $(id -u) -ne 0 ]]; then
        command -v sudo >/dev/null ||
            die "packages are missing, and only root can install them" \
                "(there is no sudo here): $by_hand"
        as=(sudo -n)
        [[ ! -t 0 ]] || as=(sudo)
        "${as[@]}" true 2>/dev/null ||
            die "packages are missing, and sudo does not let this user" \
                "install them: $by_hand"
    fi
    say "install $*"
    local log
    log=$(mktemp) || die "cannot write to ${TMPDIR:-/tmp}"
    as+=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y
        -o DPkg::Lock::Timeout=120)
    # Lists may be absent (a container) or old: update only when needed.
    if ! apt_install "$@" >"$log" 2>&1 && ! {
        "${as[@]}" update && apt_install "$@"
    } >>"$log" 2>&1 </dev/null; then
        sed 's/^/apt: /' "$log" | tail -n 15
        rm -f "$log"
        die "apt-get could not install the missing packages (is there a" \
            "network?): $by_hand"
    fi
    rm -f "$log"
    for name in "$@"; do
        installed "$name" || die "apt-get said yes, but $name is missing"
    done
}

apt_install()
{
    "${as[@]}" install --no-install-recommends "$@" </dev/null
}
