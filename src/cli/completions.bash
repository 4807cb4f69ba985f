
# The interfaces of this host, and groups, around what clap_complete knows.
_udpkit_values() {
    local names
    case "$3" in
        -I|--interface)
            names=$(command ls /sys/class/net 2>/dev/null)
            COMPREPLY=( $(compgen -W "${names}" -- "$2") )
            return 0
            ;;
    esac
    if [[ "$2" != -* && "${COMP_WORDS[1]}" == cast && ${COMP_CWORD} -eq 3 ]]; then
        # A colon parts words here, so a group is offered as a whole or not at all.
        COMPREPLY=( $(compgen -W '@GROUPS@' -- "$2") )
        return 0
    fi
    _udpkit "$@"
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _udpkit_values -o nosort -o bashdefault -o default udpkit
else
    complete -F _udpkit_values -o bashdefault -o default udpkit
fi
