#include "servers/rpc_method.h"

namespace dsfailover {
namespace {

constexpr RpcMethod kWakeTask = {
    "public abstract "
    "org.apache.dolphinscheduler.extract.master.transportor."
    "TaskGroupSlotAcquireSuccessNotifyResponse "
    "org.apache.dolphinscheduler.extract.master.ITaskInstanceController."
    "notifyTaskGroupSlotAcquireSuccess("
    "org.apache.dolphinscheduler.extract.master.transportor."
    "TaskGroupSlotAcquireSuccessNotifyRequest)",
    "org.apache.dolphinscheduler.extract.master.transportor."
    "TaskGroupSlotAcquireSuccessNotifyRequest",
    "org.apache.dolphinscheduler.extract.master.transportor."
    "TaskGroupSlotAcquireSuccessNotifyResponse"};

constexpr RpcMethod kTriggerSavepoint = {
    "public abstract "
    "org.apache.dolphinscheduler.extract.worker.transportor."
    "TaskInstanceTriggerSavepointResponse "
    "org.apache.dolphinscheduler.extract.worker.IStreamingTaskInstanceOperator."
    "triggerSavepoint("
    "org.apache.dolphinscheduler.extract.worker.transportor."
    "TaskInstanceTriggerSavepointRequest)",
    "org.apache.dolphinscheduler.extract.worker.transportor."
    "TaskInstanceTriggerSavepointRequest",
    "org.apache.dolphinscheduler.extract.worker.transportor."
    "TaskInstanceTriggerSavepointResponse"};

}  // namespace

const RpcMethod& rpc_method(Question question) {
    return question == Question::holds_workflow ? kWakeTask : kTriggerSavepoint;
}

}  // namespace dsfailover
