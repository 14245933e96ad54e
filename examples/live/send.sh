#!/bin/sh
# Sends live events with curl. The address and, if the server wants one, the token come from the environment.
set -eu
server="${DAYBOOK_URL:-http://127.0.0.1:8321}"

post() {
    path="$1"
    shift
    curl --silent --show-error --fail-with-body \
        ${DAYBOOK_TOKEN:+--header "Authorization: Bearer $DAYBOOK_TOKEN"} \
        --request POST "$server$path" "$@"
    echo
}

# One event.
post /api/events --header 'Content-Type: application/json' \
    --data '{"kind": "checkout", "labels": {"shop": "zh"}, "values": {"duration": 120, "amount": 19.95}, "ok": true}'

# Many, one a line and packed. Sent again with the same key, they are kept once.
{
    echo '{"kind": "checkout", "labels": {"shop": "zh", "order": "17"}, "values": {"amount": 5}}'
    echo '{"kind": "checkout", "labels": {"shop": "be", "order": "18"}, "values": {"amount": 7.5}}'
} | gzip | post /api/events --header 'Content-Type: application/x-ndjson' --header 'Content-Encoding: gzip' \
    --header "Idempotency-Key: orders-17-18" --data-binary @-

# Something that takes time.
post /api/spans --header 'Content-Type: application/json' --data '{"kind": "checkout", "id": "order-19", "labels": {"shop": "zh"}}'
sleep 0.1
post /api/spans/order-19/end --header 'Content-Type: application/json' --data '{"values": {"amount": 12}}'
