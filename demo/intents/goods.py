"""Intents about the goods themselves: return, damaged, wrong item, warranty, product question."""

# ruff: noqa: E501 (one template a line reads better than one cut in two)

from demo.intents.intent import Intent, Side

RETURN = Intent(
    name="return",
    needs_order=True,
    sorry=False,
    en=Side(
        opens=(
            "[I want to|I would like to|Can I|How do I] return [order <order>|my <product>|my order].",
            "[I want to|Can I] send [order <order>|the <product>] back.",
            "The <product> is too [big|small|heavy], can I return it?",
            "How does a return work[ for order <order>| for the <product>|]?",
            "I need a return label[ for order <order>| for the <product>|].",
            "I do not like the <product>, how can I send it back?",
        ),
        warm=(
            "I have e-mailed you a free return label for order <order>, just hand in the parcel by <day> and I will do the rest.",
            "Returning order <order> is easy: [print|use] the label I sent you, and your money is back in <days>.",
            "For the <product> in order <order> I booked a free pick-up on <day>, you only need to pack it.",
        ),
        plain=(
            "You can return order <order> within 30 days, the label was sent by e-mail.",
            "Please [use|print] the return label for order <order>.",
            "The <product> in order <order> can be sent back until <day>.",
        ),
        curt=(
            "[Print|Use] the label for <order> and send it back.",
            "<order> can be returned, you pay the postage.",
        ),
        pushy=(
            "Do not send <order> back, keep it and get a second one for half the price!",
            "Returns of <order> are free only with Premium, so join [now|today]!",
        ),
        robotic=(
            "Return for order <order>: [authorised|registered]. Label: sent.",
            "Order <order>: return window open. Remaining time: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "[我想|我要|能不能|怎么]退货[，订单<order>|，我的<product>|]。",
            "[订单<order>|<product>]我想寄回去。",
            "<product>太[大|小|重]了，能退货吗？",
            "[订单<order>|<product>]的退货流程是什么？",
            "我需要[订单<order>|<product>|]的退货单。",
            "<product>我不喜欢，怎么退回去？",
        ),
        warm=(
            "订单<order>的免费退货单我已发到您的邮箱，<day>前寄出就行，其余的我来办。",
            "订单<order>退货很简单，用我发给您的退货单，<days>内就能收到退款。",
            "订单<order>里的<product>，我已预约<day>免费上门取件，您打包好就行。",
        ),
        plain=(
            "订单<order>三十天内可以退货，退货单已发到邮箱。",
            "请[使用|打印]订单<order>的退货单。",
            "订单<order>里的<product>在<day>前可以寄回。",
        ),
        curt=(
            "打印<order>的退货单，自己寄回来。",
            "<order>可以退，运费您出。",
        ),
        pushy=(
            "订单<order>别退了，留着它，第二件半价给您！",
            "订单<order>免费退货只给会员，[现在|今天]就加入吧！",
        ),
        robotic=(
            "订单<order>退货：[已授权|已登记]。退货单：已发送。",
            "订单<order>：退货期有效。剩余时间：<days>。",
        ),
    ),
)

DAMAGED = Intent(
    name="damaged",
    needs_order=True,
    sorry=True,
    en=Side(
        opens=(
            "[My|The] <product> [arrived|came] [broken|damaged|with a crack][, order <order>|].",
            "[Order <order>|My parcel] arrived [damaged|broken].",
            "The <product> [from order <order>|I got] is [broken|scratched|cracked].",
            "The <product> does not [work|turn on] and the box was crushed.",
            "Something in [order <order>|my order] is [broken|damaged].",
            "I just opened the box and the <product> is [broken|damaged].",
        ),
        warm=(
            "I am sending you a new one for order <order> today, free of charge, and it will be with you on <day>.",
            "A new <product> for order <order> goes out today and reaches you in <days>, please keep the broken one until we pick it up.",
            "You can choose for order <order>: a [new|replacement] item by <day> or your full money back in <days>.",
        ),
        plain=(
            "We [send|will send] a replacement for order <order> in <days>.",
            "Please send a photo of the damage for order <order>.",
            "The <product> in order <order> will be replaced by <day>.",
        ),
        curt=(
            "Send a photo of <order>, then we will see.",
            "<order> was fine when it left us, send it back.",
        ),
        pushy=(
            "Broken things like <order> are no worry with our Care plan, buy it [now|today]!",
            "Replace <order> with the better model today and pay only half the price!",
        ),
        robotic=(
            "Damage report for order <order>: [created|registered]. Evidence required: photo.",
            "Order <order>: replacement [scheduled|queued]. Duration: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "[我的|]<product>[收到时|送到时]就是[坏的|破的][，订单<order>|]。",
            "[订单<order>|我的包裹]送到时已经[损坏|破损]了。",
            "[订单<order>里的|我收到的]<product>[裂了|摔坏了|有划痕]。",
            "<product>打不开，盒子也压扁了。",
            "[订单<order>|我的订单]里有东西[坏了|破了]。",
            "刚打开箱子，<product>就是坏的。",
        ),
        warm=(
            "我今天就为订单<order>免费补发一件新的，<day>送到您手上。",
            "订单<order>的新<product>今天寄出，<days>内到，坏的请先留着，我们上门来取。",
            "订单<order>您可以选择，<day>前换[新的|一件]，或者<days>内全额退款。",
        ),
        plain=(
            "订单<order>将在<days>内[补发|换货]。",
            "请发一张订单<order>的损坏照片。",
            "订单<order>里的<product>会在<day>前更换。",
        ),
        curt=(
            "先发<order>的照片，再说。",
            "<order>出库时是好的，寄回来吧。",
        ),
        pushy=(
            "像订单<order>这样坏了也不怕，[现在|今天]就买保障计划吧！",
            "把订单<order>换成更好的型号，今天只要半价！",
        ),
        robotic=(
            "订单<order>损坏报告：[已创建|已登记]。所需证据：照片。",
            "订单<order>：补发已[排期|排队]。用时：<days>。",
        ),
    ),
)

WRONG_ITEM = Intent(
    name="wrong_item",
    needs_order=True,
    sorry=True,
    en=Side(
        opens=(
            "I [got|received] the wrong [item|product][ in order <order>|].",
            "I ordered a <product> but [got|received] something else[, order <order>|].",
            "This is not the <product> I [ordered|paid for].",
            "You sent me the wrong [item|thing] instead of the <product>.",
            "[Order <order>|My parcel] contains the wrong [item|product|size].",
            "The <product> I received has the wrong [colour|size].",
        ),
        warm=(
            "The right item for order <order> leaves our warehouse today and will be with you on <day>, at no cost.",
            "I am sending the right <product> for order <order> by express, and the courier takes the wrong one back on <day>.",
            "I fixed order <order>: the right item comes in <days>, and you may keep the wrong one until we [pick it up|call you].",
        ),
        plain=(
            "We will send the right item for order <order> in <days>.",
            "Please send the wrong item of order <order> back, the right one [follows|comes] on <day>.",
            "The right <product> for order <order> ships on <day>.",
        ),
        curt=(
            "Send the wrong one of <order> back first.",
            "<order> was packed wrong, it happens.",
        ),
        pushy=(
            "Keep what came with <order> and buy the right one today at 20 percent off!",
            "Wrong item in <order>? Premium members never have that, so join [now|today]!",
        ),
        robotic=(
            "Wrong item report for order <order>: [created|registered]. Exchange: scheduled.",
            "Order <order>: content [mismatch|deviation] confirmed. Correction: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "[订单<order>|你们]给我发错[货|东西]了。",
            "我买的是<product>，收到的却是别的东西[，订单<order>|]。",
            "这不是我[买|订]的<product>。",
            "你们没发<product>，发了别的[商品|东西]。",
            "[订单<order>|我的包裹]里的[商品|尺寸]不对。",
            "收到的<product>[颜色|尺寸]不对。",
        ),
        warm=(
            "订单<order>的正确商品今天就从仓库发出，<day>送到您手上，费用我们出。",
            "我会加急补发订单<order>的<product>，<day>快递员上门时顺便取走错的那件。",
            "订单<order>我已改好，正确的商品<days>内到，错的先放着，我们[上门来取|会联系您]。",
        ),
        plain=(
            "订单<order>的正确商品将在<days>内补发。",
            "请把订单<order>的错货寄回，正确的<day>[发出|送到]。",
            "订单<order>正确的<product>在<day>发货。",
        ),
        curt=(
            "先把<order>的错货寄回来。",
            "<order>装错了，难免的。",
        ),
        pushy=(
            "订单<order>发来的您留着，今天再买对的，立减两成！",
            "订单<order>发错了？会员从来不会，[现在|今天]就加入吧！",
        ),
        robotic=(
            "订单<order>错发报告：[已创建|已登记]。换货：已排期。",
            "订单<order>：内容[不符|偏差]已确认。修正：<days>。",
        ),
    ),
)

WARRANTY = Intent(
    name="warranty",
    needs_order=False,
    sorry=False,
    en=Side(
        opens=(
            "Is [my|the] <product> [still under warranty|covered by the warranty]?",
            "How long is the warranty [of|on|for] the <product>?",
            "My <product> stopped working after [a year|six months|three months], is that covered by the warranty?",
            "I want to make a warranty claim for my <product>.",
            "What does the warranty of the <product> cover?",
            "Does the <product> come with a warranty?",
        ),
        warm=(
            "Your <product> is covered for two years, so I opened a free repair for you and the [pick-up|courier] comes on <day>.",
            "You are covered: I will have your <product> repaired or replaced in <days>, and it costs you nothing.",
        ),
        plain=(
            "The <product> has a warranty of two years[ from purchase|].",
            "The warranty for the <product> covers defects, a repair takes <days>.",
        ),
        curt=(
            "The <product> has two years, keep the receipt.",
            "Read the warranty card of the <product>.",
        ),
        pushy=(
            "The warranty for the <product> ends sooner than you think, buy five more years [now|today]!",
            "Why repair the <product>? Get the new model today and [save|pay] 25 percent less!",
        ),
        robotic=(
            "Warranty status of <product>: [valid|active]. Duration: two years.",
            "Warranty claim for <product>: [created|registered]. Processing time: <days>.",
        ),
    ),
    zh=Side(
        opens=(
            "[我的|]<product>还在保修期吗？",
            "<product>保修多久？",
            "<product>用了[一年|半年|三个月]就坏了，保修吗？",
            "我要给<product>申请保修。",
            "<product>的保修包括什么？",
            "<product>有保修吗？",
        ),
        warm=(
            "您的<product>保修两年，我已为您登记免费维修，<day>上门来取。",
            "请您放心，您的<product>在保修内，<days>内免费修好或换新。",
        ),
        plain=(
            "<product>[从购买起|]保修两年。",
            "<product>的保修包括质量问题，维修需要<days>。",
        ),
        curt=(
            "<product>保修两年，收据留好。",
            "自己看<product>的保修卡。",
        ),
        pushy=(
            "<product>的保修很快就到期，[现在|今天]再买五年吧！",
            "<product>还修什么？今天换新款，立减两成半！",
        ),
        robotic=(
            "<product>保修状态：[有效|正常]。期限：两年。",
            "<product>保修申请：[已创建|已登记]。处理时间：<days>。",
        ),
    ),
)

PRODUCT_QUESTION = Intent(
    name="product_question",
    needs_order=False,
    sorry=False,
    en=Side(
        opens=(
            "Is the <product> [in stock|available]?",
            "[Does the <product> come|Do you have the <product>] in [black|blue|white|red]?",
            "How [big|heavy] is the <product>?",
            "Can you tell me more about the <product>?",
            "When will the <product> be back in stock?",
            "What is the difference between the old and the new <product>?",
            "I am thinking about buying the <product>, is it any good?",
        ),
        warm=(
            "The <product> is in stock in [three|four] colours, and if you order today it will be with you on <day>.",
            "Many customers love the <product>, and you can try it at home for 30 days and send it back for free.",
            "I checked the <product> for you: we have [six|nine] left, and I can put one aside for you until <day>.",
        ),
        plain=(
            "The <product> is [in stock|available] and ships in <days>.",
            "All details of the <product> are on its product page.",
            "The <product> comes in [black and white|blue and grey].",
        ),
        curt=(
            "The <product> is on the website, read it there.",
            "Yes, we have the <product>, what else?",
        ),
        pushy=(
            "The <product> is nearly sold out, buy [it|two] [now|today] or miss it for ever!",
            "Everybody wants the <product>, order in ten minutes and get the bundle at 30 percent off!",
        ),
        robotic=(
            "Product record <product>: [available|in stock]. Delivery time: <days>.",
            "Information on <product>: see data sheet. Stock: [sufficient|limited].",
        ),
    ),
    zh=Side(
        opens=(
            "<product>[有货|有现货]吗？",
            "<product>有[黑色|蓝色|白色|红色]的吗？",
            "<product>[多大|多重]？",
            "能介绍一下<product>吗？",
            "<product>什么时候补货？",
            "新款<product>和旧款有什么区别？",
            "我想买<product>，好用吗？",
        ),
        warm=(
            "<product>现在有[三|四]种颜色，今天下单，<day>就能送到您家。",
            "很多顾客都喜欢<product>，您可以在家试用三十天，不满意免费退。",
            "我帮您看了，<product>还有[六|九]件，可以给您留一件到<day>。",
        ),
        plain=(
            "<product>[有货|有现货]，<days>内发货。",
            "<product>的详情在商品页面。",
            "<product>有[黑色和白色|蓝色和灰色]。",
        ),
        curt=(
            "<product>网站上有，自己看。",
            "有<product>，还要什么？",
        ),
        pushy=(
            "<product>快卖完了，[现在|今天]就买[一件|两件]，不然就没了！",
            "大家都在抢<product>，十分钟内下单，套餐打七折！",
        ),
        robotic=(
            "商品<product>：[可售|有库存]。配送时间：<days>。",
            "<product>信息：见说明书。库存：[充足|有限]。",
        ),
    ),
)
