#!/bin/sh
# The operator's command beside ops/openseal.service: runs as the service's user, with the service's
# settings. Otherwise a restore would look for another mark, and leave files that the service cannot
# write. As root:
#   install -m 755 ops/openseal.sh /usr/local/bin/openseal
set -eu

while IFS= read -r line; do
	case $line in
	OPENSEAL_*=*)
		value=${line#*=}
		value=${value#\"}
		export "${line%%=*}=${value%\"}"
		;;
	esac
done </etc/openseal/environment

export OPENSEAL_DATA=/var/lib/openseal
export OPENSEAL_MARK=/var/lib/openseal-mark
export OPENSEAL_LEDGER="http://${OPENSEAL_ADMIN:-127.0.0.1:${OPENSEAL_PORT:-8080}}"
export OPENSEAL_OPERATOR_KEY_FILE="$OPENSEAL_DATA/keys/operator.key"

exec runuser -u openseal -- /usr/bin/node /opt/openseal/scripts/openseal.js "$@"
