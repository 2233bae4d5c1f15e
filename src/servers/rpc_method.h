#pragma once

#include <string_view>

#include "servers/server_asker.h"

namespace dsfailover {

/// A method of the servers' RPC, in the servers' own words.
struct RpcMethod {
    std::string_view identifier;
    std::string_view argument_type;
    std::string_view answer_type;
};

/// The method that answers `question`.
const RpcMethod& rpc_method(Question question);

}  // namespace dsfailover
