# bash completion for vaultpam: source <(vaultpam completion bash)
_vaultpam() {
	local IFS=$'\n' line=("${COMP_WORDS[@]:1:COMP_CWORD}") word="${COMP_WORDS[COMP_CWORD]}"
	# bash splits --flag=value into three words; put them together again.
	local words=() w
	for w in "${line[@]}"; do
		if ((${#words[@]} > 0)) && { [[ $w == = ]] || [[ ${words[-1]} == --*= ]]; }; then
			words[-1]+=$w
		else
			words+=("$w")
		fi
	done
	local found=($("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null))
	COMPREPLY=()
	for w in "${found[@]}"; do
		case "$word" in
		= | "") [[ $w == --*=* ]] && w=${w#*=} ;;
		*) [[ $w == --*=* && $word != --* ]] && w=${w#*=} ;;
		esac
		COMPREPLY+=("$(printf '%q' "$w")")
	done
}
complete -o default -o nosort -F _vaultpam vaultpam 2>/dev/null || complete -o default -F _vaultpam vaultpam
