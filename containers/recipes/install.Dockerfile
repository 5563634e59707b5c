# A "make install DESTDIR=" tree in place of the suite's Pacemaker; its dependencies stay.
# The packages' files go, but not the packages, so that users and directories stay too.
ARG BASE
FROM ${BASE}
RUN dpkg-query -W -f '${Package}\n' 'pacemaker*' 'libcib*' 'libcrm*' 'liblrmd*' 'libpacemaker*' \
        'libpe-*' 'libstonithd*' > /tmp/remove \
 && for package in $(cat /tmp/remove); do \
        dpkg -L "$package" | while read -r path; do \
            if [ -f "$path" ] || [ -L "$path" ]; then rm -f "$path"; fi; done; \
    done; rm -f /tmp/remove
COPY tree /
# Wherever configure put the libraries (it may choose lib64, which Debian does not search).
RUN find /usr /opt -name 'libcrmcommon.so*' -printf '%h\n' 2>/dev/null | sort -u \
        > /etc/ld.so.conf.d/00-pacemaker.conf \
 && ldconfig
