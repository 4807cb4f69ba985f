# The compiler for other systems, for scripts/portable and scripts/release: Debian's rustc, which
# has its std as source, and what the linkers need. All that is made is kept in target/portable.
#
# rustup has a std to download for each target but FreeBSD's on ARM; this needs Debian alone. The
# folder is one of its own, since two compilers in one would build everything anew by turns, with a
# folder for each target in it: two are then built at once.
# shellcheck shell=bash

# UDPKIT_PORTABLE_DIR keeps it elsewhere, for clones that come and go.
readonly PORTABLE=${UDPKIT_PORTABLE_DIR:-$PWD/target/portable}

# lacking TOOL PACKAGE...: prints the packages whose tool is not here.
lacking() {
    local packages=()
    while [ $# -gt 0 ]; do
        case $1 in
            /*) [ -e "$1" ] || packages+=("$2") ;;
            *) command -v "$1" >/dev/null || packages+=("$2") ;;
        esac
        shift 2
    done
    echo "${packages[*]}"
}

# lacking_for TARGET: prints the packages that are missing to build for it.
lacking_for() {
    local needed=(/usr/bin/rustc rustc-web /usr/bin/cargo cargo-web
        /usr/lib/rustlib/src/rust/library/std rust-web-src)
    case $1 in
        *-windows-gnu) needed+=(x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64) ;;
        *-darwin | *-freebsd) needed+=(/usr/bin/clippy-driver rust-web-clippy) ;;
        aarch64-*-gnu)
            needed+=(aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
                /usr/aarch64-linux-gnu/lib/libc.so.6 libc6-dev-arm64-cross)
            ;;
        aarch64-*-musl)
            needed+=(aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
                /usr/aarch64-linux-gnu/lib/libc.so.6 libc6-dev-arm64-cross
                /usr/lib/aarch64-linux-musl/libc.a musl-dev:arm64)
            ;;
        x86_64-*-musl) needed+=(gcc gcc /usr/lib/x86_64-linux-musl/libc.a musl-dev) ;;
    esac
    lacking "${needed[@]}"
}

# how_to_install PACKAGE...: prints the command.
how_to_install() {
    case " $* " in
        *:arm64*) echo "dpkg --add-architecture arm64 && apt-get update && apt-get install $*" ;;
        *) echo "apt-get install $*" ;;
    esac
}

# built_for TARGET PROFILE FILE: where cargo_for puts it.
built_for() {
    echo "$PORTABLE/$1/$1/$2/$3"
}

# cargo_for TARGET COMMAND ARGUMENT...: Debian's cargo for that target, std from its source.
cargo_for() {
    local target=$1 command=$2 linker='' flags='' name
    shift 2
    case $target in
        aarch64-*) linker=aarch64-linux-gnu-gcc ;;
        *) linker=gcc ;;
    esac
    local environment=(RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc
        PATH="/usr/bin:$PATH" CARGO_TARGET_DIR="$PORTABLE/$target"
        CARGO_PROFILE_DEV_DEBUG=false)
    name=$(tr 'a-z-' 'A-Z_' <<<"$target")
    case $target in
        *-linux-musl)
            static_objects "$target" "$linker"
            flags="-Clink-self-contained=yes -Ctarget-feature=+crt-static"
            flags+=" -Lnative=$PORTABLE/objects/$target"
            environment+=("CARGO_TARGET_${name}_LINKER=$linker" "CARGO_TARGET_${name}_RUSTFLAGS=$flags")
            ;;
        *-linux-gnu) environment+=("CARGO_TARGET_${name}_LINKER=$linker") ;;
    esac
    env -u RUSTUP_TOOLCHAIN -u RUSTFLAGS "${environment[@]}" \
        /usr/bin/cargo "$command" -Zbuild-std=std,panic_unwind,test --target "$target" --locked "$@"
}

# static_objects TARGET COMPILER: a folder of what a static program is linked with. rustup's std
# brings it along; here it is musl's start and library, and the compiler's unwinder, mended.
static_objects() {
    local target=$1 compiler=$2 folder=$PORTABLE/objects/$1 name
    local binutils=${compiler%gcc} unwinder=scripts/portable.d/unwinder.c
    [ "$folder/libunwind.a" -ot "$unwinder" ] || return 0
    rm -rf "$folder"
    mkdir -p "$folder"
    for name in crt1.o rcrt1.o Scrt1.o crti.o crtn.o libc.a; do
        ln -s "/usr/lib/${target%%-*}-linux-musl/$name" "$folder/$name"
    done
    for name in crtbegin.o crtend.o crtbeginS.o crtendS.o libgcc.a; do
        ln -s "$("$compiler" -print-file-name="$name")" "$folder/$name"
    done
    "$compiler" -O1 -fPIC -Wall -Wextra -c "$unwinder" -o "$folder/unwinder.o"
    cp "$("$compiler" -print-file-name=libgcc_eh.a)" "$folder/unfinished.a"
    "${binutils}ar" rD "$folder/unfinished.a" "$folder/unwinder.o"
    mv "$folder/unfinished.a" "$folder/libunwind.a"
}

# with_wine COMMAND...: as a Windows program of a wine of our own, without a display.
with_wine() {
    env WINEPREFIX="$PORTABLE/wine" WINEARCH=win64 WINEDEBUG=-all DISPLAY= \
        WINEDLLOVERRIDES='bcryptprimitives=n;mscoree=;mshtml=' "$@"
}
