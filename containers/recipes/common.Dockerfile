# What both sides need besides Pacemaker: agents, and the tools that look at and disturb a host.
ARG BASE
FROM ${BASE}
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        iproute2 iptables procps resource-agents \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
