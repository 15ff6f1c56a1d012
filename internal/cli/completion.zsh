#compdef vaultpam
# zsh completion for vaultpam: source <(vaultpam completion zsh)
_vaultpam() {
	local -a found
	found=("${(@f)$("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	found=("${(@)found:#}")
	if (( ${#found} )); then
		compadd -- "${found[@]}"
	else
		_files
	fi
}
if [[ ${funcstack[1]-} == _vaultpam ]]; then
	_vaultpam "$@"
else
	compdef _vaultpam vaultpam
fi
