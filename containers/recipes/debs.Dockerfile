# Pacemaker in one role, from packages just built; what they depend on comes from the suite.
ARG BASE
FROM ${BASE}
COPY debs /tmp/debs
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        --allow-downgrades /tmp/debs/*.deb \
 && rm -rf /tmp/debs /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
