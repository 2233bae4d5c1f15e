#pragma once

#include <string>
#include <utility>

namespace dsfailover {

/// A password. It has no operator<<, no formatter and no implicit conversion, so that it cannot
/// reach a log or a report by accident; reveal() marks the few places that hand it to a driver.
class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    const std::string& reveal() const { return value_; }
    bool empty() const { return value_.empty(); }

  private:
    std::string value_;
};

}  // namespace dsfailover
