#!/bin/sh
# Installs what the tests need besides Go, where this machine lets us, and says what it could not.
# The tests that need a missing program skip themselves; with ATTESTD_REQUIRE_PEERS=1 they fail instead.
set -u
need=""
for pair in gammu:gammu gammu-smsd:gammu-smsd smsd:smstools bearerbox:kannel systemd-analyze:systemd chromium:chromium; do
  program=${pair%%:*} package=${pair##*:}
  PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$program" >/dev/null 2>&1 || need="$need $package"
done
# axe-core looks over the page for persons, redocly and spectral over the OpenAPI document. They come where there is npm.
fetched="${XDG_CACHE_HOME:-$HOME/.cache}/attestd-tests/node_modules"
for pair in axe-core/axe.min.js:axe-core@4.14.1 .bin/redocly:@redocly/cli@2.77.0 .bin/spectral:@stoplight/spectral-cli@6.16.3; do
  file=${pair%%:*} package=${pair#*:}
  [ -e "$fetched/$file" ] && continue
  command -v npm >/dev/null 2>&1 || { echo "no npm: tests with $package are skipped"; continue; }
  npm install --prefix "${fetched%/*}" --no-audit --no-fund --ignore-scripts --silent "$package" >/dev/null 2>&1 || echo "could not fetch $package: its test is skipped"
done
[ -z "$need" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  # The daemons among them must not start themselves: their tests run them on ports of their own.
  policy=/usr/sbin/policy-rc.d made=""
  if [ ! -e "$policy" ]; then printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && made=1; fi
  echo "installing:$need"
  log=$(mktemp)
  if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $need; } >"$log" 2>&1; then
    tail -5 "$log"; echo "could not install:$need; the tests that need them are skipped"
  fi
  rm -f "$log"; [ -n "$made" ] && rm -f "$policy"
  # Nor at the next boot: what their packages have just enabled is disabled, as if its owner had done it. Those that were here before
  # are left as they are.
  for service in gammu-smsd smstools kannel; do
    case "$need " in *" $service "*) ;; *) continue ;; esac
    if [ -e "/etc/init.d/$service" ] && command -v update-rc.d >/dev/null 2>&1; then update-rc.d "$service" disable >/dev/null 2>&1; fi
    find /etc/systemd/system -type l -path '*.wants/*' -name "$service.service" -exec rm -f {} + 2>/dev/null
  done
else
  echo "not installed:$need (as root: apt-get install$need); the tests that need them are skipped"
fi
exit 0
