#!/bin/sh
# Whether a node of a Galera cluster serves queries: its wsrep_local_state is 4, "Synced". HAProxy gives the addresses of the proxy and
# of the node. The user needs no right: CREATE USER haproxy@'10.88.0.%'
state=$(mariadb --no-defaults --skip-column-names --user=haproxy --host="$3" --port="$4" --connect-timeout=1 \
  --execute="SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'wsrep_local_state'" 2>/dev/null)
[ "$state" = 4 ]
