#!/usr/bin/env bash
# Debian's packages, fetched into a folder and unpacked there instead of installed. Sourced; needs root on Debian.

# shellcheck disable=SC2016  # apt's own variable
mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1; }

# unpack_newer FOLDER PACKAGE...: these alone, of the Debian after 12, into FOLDER/root: programs in Go that run on either.
unpack_newer() {
  local folder=$1 package source
  shift
  mkdir -p "$folder"/{newer,root,apt/lists/partial,apt/cache/archives/partial,etc}
  source=$(mirror)
  cat >"$folder/etc/newer.sources" <<END
Types: deb
URIs: $source
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
  cat >"$folder/apt.conf" <<END
Dir::State "$folder/apt";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$folder/apt/cache";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$folder/etc";
APT::Sandbox::User "root";
END
  (
    cd "$folder/newer" || exit
    export APT_CONFIG=$folder/apt.conf
    apt-get -qq update
    apt-get -qq download "$@"
  )
  for package in "$folder"/newer/*.deb; do dpkg -x "$package" "$folder/root"; done
}

# unpack_with_what_it_needs FOLDER PACKAGE: of this Debian, with the packages that the machine lacks for it.
unpack_with_what_it_needs() {
  local folder=$1 package
  mkdir -p "$folder"/{same/partial,root}
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends --download-only -o Dir::Cache::archives="$folder/same/" "$2" >/dev/null
  for package in "$folder"/same/*.deb; do dpkg -x "$package" "$folder/root"; done
}
