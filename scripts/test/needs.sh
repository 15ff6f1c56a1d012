#!/usr/bin/env bash
# Makes sure that the real parts which the tests talk to are there. Installs them
# from Debian's packages when it may (root, or sudo without a password), and says
# exactly what is missing when it may not.
set -euo pipefail

# command -> Debian package
declare -A need=(
  [gcc]=gcc [ssh]=openssh-client [/usr/sbin/sshd]=openssh-server [sshpass]=sshpass [rsync]=rsync [git]=git
  [ansible]=ansible-core [/usr/bin/chromium]=chromium [tmux]=tmux [ip]=iproute2 [xauth]=xauth [jq]=jq [sudo]=sudo [/usr/bin/aiosmtpd]=python3-aiosmtpd
  [zsh]=zsh [fish]=fish
)
extra=(libc6-dev)
# An identity provider for OpenID Connect and SAML, and what it loads by itself.
provider=(lemonldap-ng starman liblasso-perl libgd-perl libgd-securityimage-perl libimage-magick-perl libstring-random-perl libconvert-base32-perl
  libauthen-oath-perl libmime-tools-perl libemail-sender-perl libemail-date-format-perl libconvert-pem-perl libcrypt-openssl-rsa-perl
  libcrypt-openssl-x509-perl libcrypt-openssl-bignum-perl libio-string-perl libtext-unidecode-perl libhttp-message-perl libxml-simple-perl)

tool() { case "$1" in /*) [ -x "$1" ] ;; *) command -v "$1" >/dev/null 2>&1 ;; esac; }

missing=()
for cmd in "${!need[@]}"; do tool "$cmd" || missing+=("${need[$cmd]}"); done
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
provides() { # the provider is there, and loads what the tests use of it
  [ -e /usr/share/lemonldap-ng/portal/htdocs/index.psgi ] && tool starman &&
    perl -MLemonldap::NG::Portal::Main -MLemonldap::NG::Portal::Issuer::SAML -MLemonldap::NG::Portal::Issuer::OpenIDConnect -e 1 2>/dev/null
}
provides || missing+=("${provider[@]}")
[ -e /usr/include/stdlib.h ] || missing+=("${extra[@]}")

for cmd in go node npm; do
  tool "$cmd" || { echo "missing: $cmd. Install Go 1.26 or newer and Node.js 20.19 or newer, then run this again." >&2; exit 1; }
done

[ ${#missing[@]} -eq 0 ] && exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

if [ "$(id -u)" -eq 0 ]; then as=()
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as=(sudo -n)
else
  echo "missing Debian packages, and no right to install them. As root:" >&2
  echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "missing, and this is not a Debian machine; install the equivalents of: ${missing[*]}" >&2
  exit 1
fi
echo "installing: ${missing[*]}"
"${as[@]}" apt-get update -qq
# No service is to start on its own: the tests start what they need.
"${as[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
