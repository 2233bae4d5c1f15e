#pragma once

#include <string>

#include "base/time.h"

namespace dsfailover {

/// What a server does with ZooKeeper's word "srvr", which any ZooKeeper answers in plain text.
struct ZookeeperProbe {
    enum class Answer {
        unreachable,  ///< no connection
        silent,       ///< it said nothing in time
        text,         ///< as a ZooKeeper does, also one that is not serving
        otherwise,    ///< it closed the connection, or sent what is not a text
    };
    Answer answer = Answer::unreachable;
    std::string text;  ///< the first line of a text, printable
};

/// Asks once. `address` as in RegistrySettings::hosts. Takes no longer than `limit`, but for
/// looking up the host's name.
ZookeeperProbe probe_zookeeper(const std::string& address, Millis limit);

}  // namespace dsfailover
