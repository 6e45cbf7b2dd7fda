"""The small intents around the others: greeting, asking how long it takes, thanks."""

# ruff: noqa: E501 (one template a line reads better than one cut in two)

from demo.intents.intent import Intent, Side

GREETING = Intent(
    name="greeting",
    needs_order=False,
    sorry=False,
    en=Side(
        opens=(
            "[Hi|Hello|Hey|Good morning|Good evening][| there]",
            "Is anybody there?",
            "I have a question.",
            "I need help.",
        ),
        warm=(
            "It is good to hear from you, tell me what happened and I will take care of it [right away|at once].",
            "[Welcome|Hello and welcome]! Tell me your order number or your question, and I will look into it right now.",
        ),
        plain=("How can [we|I] help you[ today|]?", "What can [we|I] do for you[ today|]?"),
        curt=("What do you want from us?", "Say what you need, be quick."),
        pushy=(
            "You came on the right day, everything is 20 percent off until tonight!",
            "Join Premium before we start, it takes just one minute!",
        ),
        robotic=(
            "Please enter your request. Input is [ready|active].",
            "Session [opened|started]. Select a topic: order, payment, account.",
        ),
    ),
    zh=Side(
        opens=("[你好|您好|早上好|晚上好][|呀]", "在吗？", "我有个问题。", "我需要帮助。"),
        warm=(
            "很高兴收到您的消息，请告诉我发生了什么，我[马上|立刻]为您处理。",
            "欢迎您！请告诉我订单号或者您的问题，我现在就帮您查。",
        ),
        plain=("请问[今天|]有什么可以帮您？", "您需要我们为您做些什么？"),
        curt=("有什么事，快点说吧。", "要什么就直接讲，快点。"),
        pushy=("您来得正好，今晚之前全场八折！", "开始之前先加入会员，只要一分钟！"),
        robotic=("请输入您的请求。输入已[就绪|激活]。", "会话已[打开|开始]。请选择主题：订单、付款、账户。"),
    ),
)

HOW_LONG = Intent(
    name="how_long",
    needs_order=False,
    sorry=False,
    en=Side(
        opens=(
            "How long will [that|this|it] take?",
            "When will [that|this] be done?",
            "[And how|How] many days is that?",
            "Until when do I have to wait?",
        ),
        warm=(
            "It will take <days>, and I will write to you the moment it is done so that you need not ask again.",
            "You will have it [settled|sorted] by <day>, I put a note on my desk to check it myself.",
            "For order <order> it takes <days>, and I will keep you posted on every step.",
        ),
        plain=(
            "It [usually |]takes <days>[ from today|].",
            "It will be done by <day>.",
            "Order <order> takes <days>.",
        ),
        curt=("It takes as long as it takes.", "Around <days>, stop asking."),
        pushy=(
            "It takes <days>, or one hour with Premium, so upgrade [now|today]!",
            "Why wait <days>? Buy the express pass [now|today] and be first!",
        ),
        robotic=(
            "Estimated duration: <days>. Accuracy: [standard|normal].",
            "Processing time: <days>. Status: [running|active].",
        ),
    ),
    zh=Side(
        opens=(
            "[这个|这|]要[多久|多长时间]？",
            "什么时候能[办好|好]？",
            "那要等几天？",
            "我要等到什么时候？",
        ),
        warm=(
            "需要<days>，办好的那一刻我会马上告诉您，您不用再来问。",
            "<day>之前一定办好，我已经记下来，会亲自跟进。",
            "订单<order>需要<days>，每一步我都会及时告诉您。",
        ),
        plain=(
            "[一般|通常|]需要<days>，请[稍等|等待]。",
            "<day>之前会办好，到时通知您。",
            "订单<order>需要<days>。",
        ),
        curt=("该多久就多久，别问了。", "大概<days>，别再催。"),
        pushy=(
            "要<days>，开通会员只要一小时，[现在|今天]就升级吧！",
            "何必等<days>？[现在|今天]买加急卡，马上就办！",
        ),
        robotic=("预计用时：<days>。精度：[标准|一般]。", "处理时间：<days>。状态：[运行中|正常]。"),
    ),
)

THANKS = Intent(
    name="thanks",
    needs_order=False,
    sorry=False,
    en=Side(
        opens=(
            "[Thanks|Thank you][ so much| a lot|], [that is all|that helps].",
            "[Great|Perfect], thanks for your help.",
            "Okay, thank you.",
        ),
        warm=(
            "You are very welcome, I am glad [it is settled|I could help], and I am here whenever you need me.",
            "It was a pleasure[ to help you|], have a lovely day and write to me any time.",
        ),
        plain=("You are welcome, have a [good|nice] day.", "Glad to help, goodbye and have a good day."),
        curt=("Right, I am closing this chat now.", "Fine, then we are done here."),
        pushy=(
            "Then rate us five stars [now|right now] and get a free gift!",
            "Do not go yet, our sale ends in ten minutes!",
        ),
        robotic=(
            "Case [closed|completed]. Thank you for using this service.",
            "Conversation [ended|closed]. A survey follows.",
        ),
    ),
    zh=Side(
        opens=(
            "[谢谢|感谢|多谢][你|您|]，[没别的了|这样就好]。",
            "[太好了|好的]，谢谢帮忙。",
            "好的，谢谢。",
        ),
        warm=(
            "不用客气，能[解决问题|帮到您]我很高兴，有需要随时找我。",
            "很高兴为您服务，祝您[今天|生活]愉快，随时给我留言。",
        ),
        plain=("不客气，祝您[愉快|顺利]。", "很高兴能帮到您，再见。"),
        curt=("行，那我现在关闭对话了。", "好，那今天就到这里吧。"),
        pushy=("那请[现在|马上]给我们五星好评，还送小礼物！", "先别走，特价十分钟后就结束！"),
        robotic=("工单已[关闭|完成]。感谢使用本服务。", "会话已[结束|关闭]。随后发送问卷。"),
    ),
)
