#!/usr/bin/env bash
# Debian packages that building needs; sourced by scripts/test and scripts/quickstart. docs/dependencies.md says what each
# is for. ensure_packages installs what is missing and says so; nothing happens when everything is there.

BUILD_PACKAGES=(g++ cmake ninja-build pkg-config ccache mold python3-minimal
  libboost1.81-dev libsimdjson-dev libfmt-dev libspdlog-dev libsqlite3-dev libssl-dev zlib1g-dev libzstd-dev libre2-dev
  libhowardhinnant-date-dev libyaml-cpp-dev libcli11-dev libexpected-dev tzdata)
TEST_PACKAGES=(libgtest-dev libgmock-dev libbenchmark-dev python3 python3-websockets node-ws curl zstd openssl)
# Foreign peers that are heavy to install, or start a service when they are: for CI and scripts/test --long. Without
# them their tests are skipped, which the test run says.
PEER_PACKAGES=(nginx-light chromium)
# For scripts/fuzz alone.
FUZZ_PACKAGES=(clang-19 libclang-rt-19-dev)

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# ensure_packages NAME...
ensure_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  command -v apt-get >/dev/null || fail "these Debian packages are missing and there is no apt-get to install them: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing (${missing[*]}); install them as root, or install sudo"
    sudo=(sudo)
  fi
  say "installing ${#missing[@]} missing Debian packages with apt-get (${sudo[*]:-as root}): ${missing[*]}"
  local log; log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq && "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
         apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "apt-get failed (whole output: $log). Remedy: run 'apt-get update', check the network and the package sources (Debian 12), then run this again"
  fi
  rm -f "$log"
}

# build_preset PRESET [TARGET...]: configures when needed and builds, with ninja's progress line.
build_preset() {
  local preset=$1; shift
  local dir="build/$preset"
  if [ ! -f "$dir/build.ninja" ]; then
    say "configuring preset $preset"
    cmake --preset "$preset" >"/tmp/haumea-configure-$$.log" 2>&1 || { tail -n 20 "/tmp/haumea-configure-$$.log" >&2; fail "cmake could not configure preset $preset (above)"; }
    rm -f "/tmp/haumea-configure-$$.log"
  fi
  say "building preset $preset"
  local started=$SECONDS
  if [ -t 1 ]; then
    cmake --build "$dir" -j "$(nproc)" ${1:+--target "$@"} || fail "the build failed (above)"
  else
    # Without a terminal: one line now and then instead of one per file, everything when it fails.
    local log="$dir/build.log"
    cmake --build "$dir" -j "$(nproc)" ${1:+--target "$@"} >"$log" 2>&1 &
    local job=$! last=""
    while kill -0 $job 2>/dev/null; do
      for _ in $(seq 15); do kill -0 $job 2>/dev/null || break; sleep 1; done
      last=$(grep -oE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 1 || true)
      [ -z "$last" ] || printf '    %s after %d s\n' "$last" $((SECONDS - started))
    done
    wait $job || { grep -E -A 15 'error|FAILED' "$log" | head -n 60 >&2; fail "the build failed (whole output: $log)"; }
  fi
  say "preset $preset is built ($((SECONDS - started)) s)"
}
