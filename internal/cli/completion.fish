# fish completion for vaultpam: vaultpam completion fish | source
function __vaultpam_complete
	set -l words (commandline -opc)
	set -l last (commandline -ct)
	$words[1] __complete -- $words[2..-1] "$last" 2>/dev/null
end
complete -c vaultpam -a '(__vaultpam_complete)'
