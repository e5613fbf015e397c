#!/bin/sh
# Takes a backup into FOLDER/<time>, and keeps the newest KEEP of them. An older one is removed only
# after the new one was read back and found whole.
#
#   backup.sh FOLDER KEEP COMMAND...    COMMAND is how openseal is called here, such as: openseal
#
# The operator key is read from OPENSEAL_OPERATOR_KEY_FILE, the ledger's address from OPENSEAL_LEDGER,
# and the keys to copy are in OPENSEAL_DATA.
set -eu
umask 077

folder=$1
keep=$2
shift 2
case $keep in
'' | *[!0-9]* | 0*)
	echo "backup.sh: KEEP is a number from 1, not '$keep'" >&2
	exit 2
	;;
esac

mkdir -p "$folder"
name=$(date -u +%Y-%m-%dT%H%M%SZ)
# What an interrupted run has left is no backup.
rm -rf "$folder"/*.part
if [ -e "$folder/$name" ]; then
	echo "backup.sh: $folder/$name is there already" >&2
	exit 1
fi
"$@" backup "$folder/$name.part"
mv "$folder/$name.part" "$folder/$name"
echo "It is kept in $folder/$name."

# The names sort by time.
count=0
for old in $(ls -1r "$folder" | grep -E '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z$'); do
	count=$((count + 1))
	if [ "$count" -gt "$keep" ]; then rm -rf "${folder:?}/$old"; fi
done
