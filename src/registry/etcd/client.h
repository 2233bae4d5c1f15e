#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "registry/registry.h"

namespace dsfailover {

/// A client of etcd's v3 JSON gateway. Knows endpoints, TLS, tokens and errors, but nothing of
/// keys. One thread uses it at a time.
class EtcdClient {
  public:
    /// Of a write whose answer was lost nobody knows whether it happened; a read is just repeated.
    enum class Access { read, write };

    /// `request_timeout` is shared out among the endpoints, so that one that hangs leaves time for
    /// the others. Contacts nothing.
    EtcdClient(const RegistrySettings& settings, Millis request_timeout);

    /// "http://h1:2379,http://h2:2379".
    std::string endpoint() const;

    /// Whether a signal ends a call by Interrupted; at first it does not: after a signal things
    /// have to be tidied up.
    void set_interruptible(bool interruptible) { interruptible_ = interruptible; }

    /// Calls POST /v3/`method` ("kv/range") and returns the answer. An endpoint that cannot be
    /// reached, or has no leader, is followed by the next. `doing` names the action in errors.
    /// Throws RegistryError; outcome_unknown only for a write, EtcdAnswerTooLong only for a read.
    Json call(Access access, const std::string& method, const Json& request,
              const std::string& doing);

    /// A call under way. Destroying it cancels it.
    class Pending {
      public:
        ~Pending();
        Pending(const Pending&) = delete;
        Pending& operator=(const Pending&) = delete;
        /// Works on all calls under way for at most `duration`; the answer of this one once it is
        /// there. Throws RegistryError as start() says.
        std::optional<Json> poll(Millis duration);
        /// The same, however long it takes: for what start_write() started.
        Json wait();

      private:
        friend class EtcdClient;
        struct State;
        explicit Pending(std::unique_ptr<State> state);
        std::unique_ptr<State> state_;
    };
    /// Starts a call, at the endpoint that answered last, that is answered late. It is tried once:
    /// unreachable, if there is no answer.
    std::unique_ptr<Pending> start(const std::string& method, const Json& request,
                                   const std::string& doing);
    /// The same for a write that is answered within the time limit of one call, or fails:
    /// outcome_unknown, if it may have reached the server.
    std::unique_ptr<Pending> start_write(const std::string& method, const Json& request,
                                         const std::string& doing);

  private:
    struct Answer;
    struct Transfer;
    struct CloseHandle {
        void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    };
    struct CloseMulti {
        void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
    };

    Millis endpoint_timeout() const;
    void authenticate();
    Answer post(const std::string& method, const std::string& body, Access access);
    void prepare(CURL* handle, Transfer& transfer, const std::string& method,
                 const std::string& body);
    void limit_time(CURL* handle) const;
    void take_done();
    void next_endpoint() { current_ = (current_ + 1) % endpoints_.size(); }
    RegistryError refusal(const Answer& answer, const std::string& doing) const;
    bool needs_authentication() const { return !settings_.user.empty() && token_.empty(); }

    const RegistrySettings settings_;
    const Millis request_timeout_;
    std::vector<std::string> endpoints_;
    std::size_t current_ = 0;
    bool interruptible_ = false;
    std::string token_;
    std::unique_ptr<CURL, CloseHandle> handle_;
    std::unique_ptr<CURLM, CloseMulti> multi_;  // of the calls under way
};

/// A read was answered with more than is taken of one answer.
class EtcdAnswerTooLong : public RegistryError {
  public:
    explicit EtcdAnswerTooLong(const std::string& message)
        : RegistryError(Kind::unreachable, message) {}
};

}  // namespace dsfailover
